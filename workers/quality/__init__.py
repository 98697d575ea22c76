"""The gate before a model: is this an image that it may judge?"""
