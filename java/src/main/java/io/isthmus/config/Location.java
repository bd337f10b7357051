package io.isthmus.config;

/**
 * Where a piece of configuration was written.
 *
 * @param source file name, or the override as given on the command line
 * @param line from 1; 0 when the source has no lines
 * @param column from 1
 */
record Location(String source, int line, int column) {
  static Location override(String set) {
    return new Location("-s " + set, 0, 0);
  }

  /** {@code file:line:column}, or the override. */
  @Override
  public String toString() {
    return line == 0 ? source : source + ":" + line + ":" + column;
  }
}
