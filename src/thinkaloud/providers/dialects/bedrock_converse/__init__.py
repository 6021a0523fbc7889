"""Amazon Bedrock's Converse wire."""

from thinkaloud.providers.dialects.bedrock_converse.dialect import bind

__all__ = ["bind"]
