package io.isthmus.store;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * Numbers a run leaves on its way, one row each, in a CSV file and the same in a JSON-lines file.
 *
 * <p>A row is appended in one write, so a reader sees whole rows while the run goes on; a kill may
 * tear the last one, which the next start removes. Adding a number a second time replaces it, so
 * work repeated after a kill leaves no second row: at each start the files are brought to one row
 * per number, in the order in which they were first added.
 */
public final class RunLog {
  private static final String HEADER = "kind,id,name,value\n";

  private final Path csv;
  private final Path jsonl;
  private final Map<Key, Double> rows = new LinkedHashMap<>();

  /**
   * What a number is.
   *
   * @param kind of thing it belongs to, e.g. "minimum", "cycle"
   * @param id of that thing, e.g. "0001", "0001-0002/03"
   * @param name of the number, e.g. "train_loss"
   */
  public record Key(String kind, String id, String name) {
    private static final String WORD = "[A-Za-z0-9_./ -]+";

    /** Words only: nothing needs quoting. */
    public Key {
      if (!kind.matches(WORD) || !id.matches(WORD) || !name.matches(WORD)) {
        throw new IllegalArgumentException("Not plain words: %s, %s, %s".formatted(kind, id, name));
      }
    }
  }

  private RunLog(Path csv, Path jsonl) {
    this.csv = csv;
    this.jsonl = jsonl;
  }

  /** Reads {@code folder/name.csv}, if there is one, without changing anything. */
  static RunLog read(Path folder, String name) {
    RunLog log = new RunLog(folder.resolve(name + ".csv"), folder.resolve(name + ".jsonl"));
    log.load();
    return log;
  }

  /** Reads it and makes both files whole again. */
  static RunLog open(Path folder, String name) {
    RunLog log = read(folder, name);
    if (Files.exists(log.csv) || Files.exists(log.jsonl)) {
      StringBuilder csvText = new StringBuilder(HEADER);
      StringBuilder jsonText = new StringBuilder();
      log.rows.forEach(
          (key, value) -> {
            csvText.append(csvRow(key, value));
            jsonText.append(jsonRow(key, value));
          });
      AtomicFile.write(log.csv, csvText.toString());
      AtomicFile.write(log.jsonl, jsonText.toString());
    }
    return log;
  }

  /**
   * Adds a number, or replaces it.
   *
   * @throws IsthmusException IO if the disk refuses; the files stay whole then
   */
  public synchronized void add(String kind, String id, String name, double value) {
    Key key = new Key(kind, id, name);
    Double present = rows.get(key);
    if (present != null && present.equals(value)) {
      return;
    }
    append(csv, (Files.exists(csv) ? "" : HEADER) + csvRow(key, value));
    append(jsonl, jsonRow(key, value));
    rows.put(key, value);
  }

  /** A number that was added, now or in an earlier run. */
  public synchronized OptionalDouble find(String kind, String id, String name) {
    Double value = rows.get(new Key(kind, id, name));
    return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
  }

  /** All numbers in the order in which they were first added. */
  public synchronized Map<Key, Double> rows() {
    return new LinkedHashMap<>(rows);
  }

  private void load() {
    if (!Files.exists(csv)) {
      return;
    }
    String text;
    try {
      text = new String(Files.readAllBytes(csv), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw AtomicFile.failure("read", csv, e);
    }
    int number = 0;
    List<String> lines = new ArrayList<>(List.of(text.split("\n", -1)));
    lines.remove(lines.size() - 1); // empty, or torn by a kill
    for (String line : lines) {
      number++;
      if (number == 1 && (line + "\n").equals(HEADER)) {
        continue;
      }
      String[] cells = line.split(",", -1);
      try {
        if (number == 1 || cells.length != 4) {
          throw new IllegalArgumentException("not a row");
        }
        rows.put(new Key(cells[0], cells[1], cells[2]), Double.parseDouble(cells[3]));
      } catch (IllegalArgumentException e) {
        throw new IsthmusException(
            ExitCode.DATA,
            "%s:%d: '%s' is not a row of kind, id, name and value; correct it or delete the file."
                .formatted(csv, number, line.length() > 60 ? line.substring(0, 60) : line));
      }
    }
  }

  /** Appends at once or not at all. */
  private static void append(Path file, String text) {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      long end = channel.size();
      channel.position(end);
      try {
        AtomicFile.writeFully(channel, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
      } catch (IOException e) {
        channel.truncate(end);
        throw e;
      }
    } catch (IOException e) {
      throw AtomicFile.failure("write", file, e);
    }
  }

  private static String csvRow(Key key, double value) {
    return "%s,%s,%s,%s\n".formatted(key.kind(), key.id(), key.name(), value);
  }

  /** JSON knows no NaN and no infinity. */
  private static String jsonRow(Key key, double value) {
    return "{\"kind\":\"%s\",\"id\":\"%s\",\"name\":\"%s\",\"value\":%s}\n"
        .formatted(
            key.kind(), key.id(), key.name(), Double.isFinite(value) ? value : (Object) "null");
  }
}
