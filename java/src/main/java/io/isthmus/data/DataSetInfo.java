package io.isthmus.data;

import io.isthmus.config.NamedData;
import java.util.List;

/**
 * What is known about a named data set.
 *
 * @param set name, counts and shape
 * @param title in full
 * @param licence terms, and whom to cite
 * @param source where to get the files, by name; empty when they come with Isthmus
 * @param subfolder that the published archive unpacks to; empty when it has none
 * @param files in the order in which they are read
 */
public record DataSetInfo(
    NamedData set,
    String title,
    String licence,
    String source,
    String subfolder,
    List<OfficialFile> files) {

  /** Nothing needs to be fetched. */
  public boolean bundled() {
    return files.isEmpty();
  }
}
