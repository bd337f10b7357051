package io.isthmus.data;

/**
 * A file of a published data set, uncompressed.
 *
 * @param name as published, without .gz
 * @param bytes its exact size
 * @param sha256 of its bytes, in lower-case hexadecimal; null where none is known for certain
 */
public record OfficialFile(String name, long bytes, String sha256) {}
