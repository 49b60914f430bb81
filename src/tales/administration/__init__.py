"""Wires what commands ask beside a running application: a module for each subject, and a command imports its own."""
