"""The listener's own ears: auditory features, and a network that says which phone is heard every 10 ms."""
