"""TEMP"""
def followers(): return ()
def carry(old, new): pass
