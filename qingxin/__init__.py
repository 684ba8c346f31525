"""Qingxin 清信: a self-hosted messenger that speaks the Matrix Client-Server API."""

__version__ = "0.1.0"
