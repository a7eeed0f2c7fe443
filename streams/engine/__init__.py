"""The engine under the worker. Only these files touch private names of Faust and aiokafka; tests assert each of them."""
