"""The counter: a tap opens a page, digits and two Enters top up."""
