package io.isthmus.store;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.jhdf.HdfFile;
import io.jhdf.api.Attribute;
import io.jhdf.api.Dataset;
import io.jhdf.api.Group;
import io.jhdf.api.Node;
import io.jhdf.api.dataset.ChunkedDataset;
import io.jhdf.object.datatype.OrderedDataType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.LongStream;

/**
 * A file of {@link Hdf5Writer}, verified. Opening it checks the {@link Seal} over all bytes before
 * anything is parsed, so damage is found whatever it hit; a dataset's own SHA-256 is checked when
 * it is read. The parser is jHDF, pure Java: no file, however made, can crash the process.
 *
 * <p>All failures are one sentence: IO if the operating system refuses, DATA for everything else.
 */
final class Hdf5Reader implements AutoCloseable {
  private final Path path;
  private final String kind;
  private final FileChannel channel;
  private final HdfFile file;
  private SortedMap<String, long[]> datasets;

  private Hdf5Reader(Path path, String kind, FileChannel channel) {
    this.path = path;
    this.kind = kind;
    this.channel = channel;
    this.file = parsing(() -> new HdfFile(channel));
  }

  /** Opens and verifies a file that must hold {@code kind}. */
  static Hdf5Reader open(Path path, String kind) {
    return open(path, List.of(kind));
  }

  /** Opens and verifies a file of any of these kinds; of any kind at all if there is none given. */
  static Hdf5Reader open(Path path, List<String> kinds) {
    FileChannel channel;
    try {
      channel = FileChannel.open(path, StandardOpenOption.READ);
    } catch (IOException e) {
      throw AtomicFile.failure("read", path, e);
    }
    try {
      Seal seal = verify(path, channel);
      if (!kinds.isEmpty() && !kinds.contains(seal.kind())) {
        throw new IsthmusException(
            ExitCode.DATA,
            "%s holds a %s, but a %s is needed here; give the right file."
                .formatted(path, words(seal.kind()), words(String.join(" or ", kinds))));
      }
      Hdf5Reader reader = new Hdf5Reader(path, seal.kind(), channel);
      if (!reader.attribute("/", "format").equals("isthmus")
          || !reader.attribute("/", "version").equals(Integer.toString(seal.version()))
          || !reader.attribute("/", "kind").equals(seal.kind())) {
        throw reader.invalid("its seal and its attributes say different things");
      }
      return reader;
    } catch (IOException e) {
      closeQuietly(channel);
      throw AtomicFile.failure("read", path, e);
    } catch (RuntimeException | Error e) {
      closeQuietly(channel);
      throw e;
    }
  }

  /** What the file holds. */
  String kind() {
    return kind;
  }

  /** The file itself. */
  Path path() {
    return path;
  }

  /** An attribute of the group or dataset {@code object}; "/" is the whole file. */
  String attribute(String object, String name) {
    Attribute attribute = parsing(() -> node(object).getAttribute(name));
    if (attribute == null || !(parsing(attribute::getData) instanceof String text)) {
      throw invalid("text attribute %s of %s is missing".formatted(name, object));
    }
    return text;
  }

  /** Whether {@code object} has this attribute. */
  boolean hasAttribute(String object, String name) {
    return parsing(() -> node(object).getAttribute(name)) != null;
  }

  /** An attribute that is a whole number from {@code least} on. */
  long number(String object, String name, long least) {
    String text = attribute(object, name);
    try {
      long number = Long.parseLong(text);
      if (number >= least) {
        return number;
      }
    } catch (NumberFormatException e) {
      // reported below
    }
    throw invalid("attribute %s is '%s'".formatted(name, text));
  }

  /** A {@link #number} that fits an int. */
  int integer(String object, String name, int least) {
    long number = number(object, name, least);
    if (number > Integer.MAX_VALUE) {
      throw invalid("attribute %s is %d".formatted(name, number));
    }
    return (int) number;
  }

  /** An attribute that is a real number, possibly NaN. */
  double real(String object, String name) {
    String text = attribute(object, name);
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw invalid("attribute %s is '%s'".formatted(name, text));
    }
  }

  /** All attributes of the whole file. */
  SortedMap<String, String> attributes() {
    SortedMap<String, String> all = new TreeMap<>();
    parsing(file::getAttributes).keySet().forEach(name -> all.put(name, attribute("/", name)));
    return all;
  }

  /** Paths and shapes of all datasets, in order of their paths. */
  SortedMap<String, long[]> datasets() {
    if (datasets == null) {
      SortedMap<String, long[]> all = new TreeMap<>();
      parsing(
          () -> {
            collect(file, "/", 0, all);
            return null;
          });
      datasets = all;
    }
    return datasets;
  }

  /** Whether there is a dataset at this path. */
  boolean has(String path) {
    return datasets().containsKey(path);
  }

  /** Shape of a dataset. */
  long[] shape(String path) {
    return parsing(dataset(path)::getDimensionsAsLong);
  }

  /** A float32 dataset, flat, in a new direct buffer. */
  FloatBuffer floats(String path, long... shape) {
    return chunks(path, float.class, Float.BYTES, shape, shape).get(0).asFloatBuffer();
  }

  /** A float32 dataset [rows, columns], one new direct buffer per row. */
  List<FloatBuffer> rows(String path, long rows, long columns) {
    return chunks(
            path, float.class, Float.BYTES, new long[] {rows, columns}, new long[] {1, columns})
        .stream()
        .map(ByteBuffer::asFloatBuffer)
        .toList();
  }

  /** A float32 dataset [parts, shape...], one new direct buffer per part. */
  List<FloatBuffer> stack(String path, long parts, long... shape) {
    long[] whole = LongStream.concat(LongStream.of(parts), LongStream.of(shape)).toArray();
    long[] chunk = LongStream.concat(LongStream.of(1), LongStream.of(shape)).toArray();
    return chunks(path, float.class, Float.BYTES, whole, chunk).stream()
        .map(ByteBuffer::asFloatBuffer)
        .toList();
  }

  /** A float64 dataset, flat. */
  double[] doubles(String path, long... shape) {
    ByteBuffer bytes = chunks(path, double.class, Double.BYTES, shape, shape).get(0);
    double[] values = new double[bytes.remaining() / Double.BYTES];
    bytes.asDoubleBuffer().get(values);
    return values;
  }

  /** An int64 dataset, flat. */
  long[] longs(String path, long... shape) {
    ByteBuffer bytes = chunks(path, long.class, Long.BYTES, shape, shape).get(0);
    long[] values = new long[bytes.remaining() / Long.BYTES];
    bytes.asLongBuffer().get(values);
    return values;
  }

  /** A dataset of texts, [count]. */
  List<String> strings(String path) {
    long[] shape = shape(path);
    if (shape.length != 1) {
      throw invalid("%s has shape %s".formatted(path, Arrays.toString(shape)));
    }
    int width = parsing(() -> dataset(path).getDataType().getSize());
    ByteBuffer bytes = chunks(path, String.class, width, shape, shape).get(0);
    List<String> texts = new ArrayList<>();
    byte[] cell = new byte[width];
    while (bytes.hasRemaining()) {
      bytes.get(cell);
      int length = width;
      while (length > 0 && cell[length - 1] == 0) {
        length--;
      }
      texts.add(new String(cell, 0, length, StandardCharsets.UTF_8));
    }
    return texts;
  }

  /** {@code values}, if none of them is NaN or infinite. */
  FloatBuffer finite(String name, FloatBuffer values) {
    int bad = Values.firstNotFinite(values);
    if (bad >= 0) {
      throw invalid("value %d of %s is %s".formatted(bad, name, values.get(bad)));
    }
    return values;
  }

  /** What {@code build} makes of the content; a refusal of its constructors becomes a sentence. */
  <T> T building(Supplier<T> build) {
    try {
      return build.get();
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw invalid(e.getMessage());
    }
  }

  /** The complaint about content that passed the checksums and still makes no sense. */
  IsthmusException invalid(String what) {
    return new IsthmusException(
        ExitCode.DATA,
        "%s is not a valid %s file: %s; delete it, and run again to compute it anew."
            .formatted(path, words(kind), what));
  }

  @Override
  public void close() {
    closeQuietly(channel);
  }

  /** The chunks of a dataset of exactly this type and shape, one after the other along axis 0. */
  private List<ByteBuffer> chunks(
      String name, Class<?> type, int width, long[] shape, long[] chunk) {
    Dataset dataset = dataset(name);
    long[] found = shape(name);
    if (!Arrays.equals(found, shape)) {
      throw invalid(
          "%s has shape %s instead of %s"
              .formatted(name, Arrays.toString(found), Arrays.toString(shape)));
    }
    boolean ordered =
        type == String.class
            || parsing(dataset::getDataType) instanceof OrderedDataType t
                && t.getByteOrder() == ByteOrder.LITTLE_ENDIAN;
    if (!ordered
        || parsing(dataset::getJavaType) != type
        || parsing(() -> dataset.getDataType().getSize()) != width
        || !(dataset instanceof ChunkedDataset chunked)
        || !Arrays.equals(
            parsing(() -> Arrays.stream(chunked.getChunkDimensions()).asLongStream().toArray()),
            chunk)) {
      throw invalid("%s is stored in another type or layout than version 1 has".formatted(name));
    }
    long bytes = width;
    for (long n : chunk) {
      bytes = n > 0 && bytes <= size() ? bytes * n : Long.MAX_VALUE;
    }
    if (bytes > size()) {
      throw invalid("%s is larger than the file".formatted(name));
    }
    MessageDigest sha256 = Digests.sha256();
    List<ByteBuffer> chunks = new ArrayList<>();
    int[] offset = new int[shape.length];
    for (int i = 0; i < shape[0]; i += (int) chunk[0]) {
      offset[0] = i;
      ByteBuffer stored = parsing(() -> chunked.getRawChunkBuffer(offset));
      if (stored.remaining() != bytes + Integer.BYTES) { // the fletcher32 checksum comes last
        throw invalid("a chunk of %s has the wrong size".formatted(name));
      }
      stored.limit(stored.position() + (int) bytes);
      ByteBuffer copy = ByteBuffer.allocateDirect((int) bytes).order(ByteOrder.LITTLE_ENDIAN);
      copy.put(stored).flip();
      sha256.update(copy.duplicate());
      chunks.add(copy);
    }
    if (!attribute(name, "sha256").equals(HexFormat.of().formatHex(sha256.digest()))) {
      throw invalid("%s does not have the SHA-256 it was written with".formatted(name));
    }
    return chunks;
  }

  private long size() {
    try {
      return channel.size();
    } catch (IOException e) {
      throw AtomicFile.failure("read", path, e);
    }
  }

  private Node node(String object) {
    return object.equals("/") ? file : file.getByPath(object);
  }

  private Dataset dataset(String name) {
    if (!has(name)) {
      throw invalid("there is no dataset " + name);
    }
    return parsing(() -> file.getDatasetByPath(name));
  }

  private static void collect(
      Group group, String prefix, int depth, SortedMap<String, long[]> into) {
    if (depth > 8) {
      throw new IllegalStateException("groups are nested too deep");
    }
    for (Node node : group.getChildren().values()) {
      if (node instanceof Dataset dataset) {
        into.put(prefix + node.getName(), dataset.getDimensionsAsLong());
      } else if (node instanceof Group child) {
        collect(child, prefix + node.getName() + "/", depth + 1, into);
      }
    }
  }

  /** Runs a piece of jHDF; whatever it does not understand becomes one sentence. */
  private <T> T parsing(Supplier<T> parse) {
    try {
      return parse.get();
    } catch (IsthmusException e) {
      throw e;
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError | InternalError e) {
      String text = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
      throw invalid(text.strip().replaceAll("\\s+", " "));
    }
  }

  /** Checks that the file is ours, complete, and the same as on the day it was written. */
  private static Seal verify(Path path, FileChannel channel) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
    buffer.limit(Seal.SIZE);
    while (buffer.hasRemaining() && channel.read(buffer) > 0) {
      // keep on reading
    }
    buffer.flip();
    byte[] start = new byte[Math.min(buffer.remaining(), 16)];
    buffer.get(0, start);
    if (!Seal.startsLikeOurs(start)) {
      throw new IsthmusException(
          ExitCode.DATA,
          "%s %s; give a file that Isthmus wrote, or bring this one in with 'isthmus import'."
              .formatted(
                  path, start.length == 0 ? "is empty" : "does not start like an Isthmus file"));
    }
    long rest = channel.size() - Seal.SIZE;
    Seal seal =
        Seal.parse(buffer)
            .orElseThrow(
                () -> damaged(path, rest < 0 ? "it is cut off" : "its first line changed"));
    if (seal.version() != Seal.VERSION) {
      throw new IsthmusException(
          ExitCode.DATA,
          "%s has format version %d, but this Isthmus reads version %d; use the Isthmus that wrote it."
              .formatted(path, seal.version(), Seal.VERSION));
    }
    if (rest != seal.bytes()) {
      throw damaged(path, "it has %d bytes after its seal, not %d".formatted(rest, seal.bytes()));
    }
    MessageDigest sha256 = Digests.sha256();
    for (buffer.clear(); channel.read(buffer) >= 0; buffer.clear()) {
      sha256.update(buffer.flip());
    }
    if (!Arrays.equals(sha256.digest(), seal.sha256())) {
      throw damaged(path, "its content does not have the SHA-256 it was written with");
    }
    return seal;
  }

  private static IsthmusException damaged(Path path, String how) {
    return new IsthmusException(
        ExitCode.DATA,
        "%s is damaged: %s; restore it from a copy, or delete it and run again to compute it anew."
            .formatted(path, how));
  }

  private static String words(String kind) {
    return kind.replace('-', ' ');
  }

  private static void closeQuietly(FileChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      // nothing was written through it
    }
  }
}
