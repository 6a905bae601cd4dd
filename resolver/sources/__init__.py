"""LOOK: is it here? One place a file; what lies in the directory is `inspection`'s business."""
