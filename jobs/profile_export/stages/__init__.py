"""The stages, DataFrame -> DataFrame, in the order of the data. They do not know each other."""
