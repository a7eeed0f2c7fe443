"""Log in, passwords, single sign-on, users and settings."""
