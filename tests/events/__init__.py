"""Events, rules and what they decide, without a database."""
