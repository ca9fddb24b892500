"""The Fluent Bit under test: several ways to run one, behind one contract."""
