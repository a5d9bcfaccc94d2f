"""What the cost notebook asks of the package: functions that answer, charts that show the answer.

Sites are made up, five shapes of them over the same month, so that everyone gets the same figures;
whatever is a history can take their place.
"""
