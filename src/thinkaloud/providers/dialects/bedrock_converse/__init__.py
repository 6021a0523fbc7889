"""Amazon Bedrock's Converse API."""

from thinkaloud.providers.dialects.bedrock_converse.dialect import bind

__all__ = ["bind"]
