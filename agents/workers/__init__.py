"""Work that is done elsewhere, in processes of this machine or on a Ray cluster, behind one interface."""
