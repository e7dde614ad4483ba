"""The OpenAPI document: one module per resource describes its operations, `document` puts them together."""
