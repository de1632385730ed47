.PHONY: demo test lint bench
