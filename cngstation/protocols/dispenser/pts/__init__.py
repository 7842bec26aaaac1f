"""jsonPTS: the JSON protocol of the Technotrade PTS-2 forecourt controller."""
