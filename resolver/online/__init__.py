"""Ask the sites, when asked to: the only room that may import what talks to a network, and only in a child process."""
