package io.isthmus.experiment;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/** Which Isthmus this is, as the build wrote it down. */
public final class Release {
  private Release() {}

  /** For instance 0.1.0. */
  public static String version() {
    try (InputStream resource = Release.class.getResourceAsStream("version.properties")) {
      Properties properties = new Properties();
      properties.load(resource);
      return properties.getProperty("version");
    } catch (IOException damaged) {
      throw new UncheckedIOException(damaged);
    }
  }

  /**
   * The commit of the source, as the launcher says, with "-dirty" where it was changed; or empty.
   */
  public static String commit() {
    return System.getProperty("isthmus.commit", "");
  }
}
