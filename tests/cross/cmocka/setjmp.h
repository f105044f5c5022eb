/* cmocka wants this file to be included, and WASI has none. */
