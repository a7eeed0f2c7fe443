"""The ways a message can take. One module each; the registry builds those that the policy names."""
