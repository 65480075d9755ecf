"""Load drivers: each sends exactly the planned requests, then closes every connection before it returns.

Importing this package imports no driver and none of their libraries; import the module of the driver you need.
"""
