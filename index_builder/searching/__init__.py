"""The search of an index behind one port: numpy's matrix product, FAISS, a torch device. All give the same answers."""
