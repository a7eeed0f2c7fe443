"""What anybody may send, in a million variations: nothing may stop the pipeline, and nothing may vanish."""
