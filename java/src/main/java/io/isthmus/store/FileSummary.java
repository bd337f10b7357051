package io.isthmus.store;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a file holds, for a person to read.
 *
 * @param file its path
 * @param format "isthmus", "hdf5" or "safetensors"
 * @param kind e.g. "path-checkpoint"; empty if it is not one of Isthmus's own
 * @param verified whether every byte has been checked against the file's own SHA-256
 * @param bytes its size
 * @param attributes of the whole file
 * @param datasets or tensors, and their shapes like "[16, 3, 3, 3]"
 */
public record FileSummary(
    Path file,
    String format,
    String kind,
    boolean verified,
    long bytes,
    SortedMap<String, String> attributes,
    SortedMap<String, String> datasets) {

  /**
   * Looks into a file.
   *
   * @throws io.isthmus.config.IsthmusException DATA if it is damaged or of no known format, IO if
   *     it cannot be read
   */
  public static FileSummary of(Path file) {
    try {
      return switch (Import.format(file)) {
        case ISTHMUS -> {
          try (Hdf5Reader reader = Hdf5Reader.open(file, List.of())) {
            yield new FileSummary(
                file,
                "isthmus",
                reader.kind(),
                true,
                Files.size(file),
                reader.attributes(),
                texts(reader.datasets()));
          }
        }
        case HDF5 ->
            new FileSummary(
                file,
                "hdf5",
                "",
                false,
                Files.size(file),
                new TreeMap<>(),
                texts(ForeignHdf5.datasets(file)));
        case SAFETENSORS -> {
          try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            SafeTensors.Header header = SafeTensors.header(file, channel);
            SortedMap<String, long[]> shapes = new TreeMap<>();
            header.tensors().forEach((name, entry) -> shapes.put(name, entry.shape()));
            yield new FileSummary(
                file, "safetensors", "", false, channel.size(), header.metadata(), texts(shapes));
          }
        }
      };
    } catch (IOException e) {
      throw AtomicFile.failure("read", file, e);
    }
  }

  private static SortedMap<String, String> texts(SortedMap<String, long[]> shapes) {
    SortedMap<String, String> texts = new TreeMap<>();
    shapes.forEach((name, shape) -> texts.put(name, Arrays.toString(shape)));
    return texts;
  }
}
