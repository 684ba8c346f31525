"""The official OpenAPI documents against a running server: whatever is sent, no answer is a 5xx,
and what succeeds looks as the documents say. For `make ci`.
"""
