"""Programs that are not ours at one table with those that are: their engines here, our agents elsewhere."""
