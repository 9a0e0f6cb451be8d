"""The two older systems: what their files say, as jobs of ours."""
