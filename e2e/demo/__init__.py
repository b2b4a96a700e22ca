"""The main job, played from beginning to end on a real control plane."""
