"""Problems: one mathematical function a file; each module offers `PROBLEM`."""
