package io.isthmus.store;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.engine.TensorInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * State dictionaries as safetensors files: 8 bytes little-endian length of a JSON header; the
 * header, which gives each tensor's type, shape and place; the values (the format's description is
 * in the README of huggingface/safetensors). Reading trusts nothing in the header.
 */
public final class SafeTensors {
  private static final String METADATA = "__metadata__";
  private static final String PIVOTS = "pivots";
  private static final int LENGTH = Long.BYTES;

  /** The limit of the reference implementation. */
  private static final int LONGEST_HEADER = 100_000_000;

  private static final Map<String, Integer> WIDTHS =
      Map.ofEntries(
          Map.entry("BOOL", 1),
          Map.entry("U8", 1),
          Map.entry("I8", 1),
          Map.entry("F8_E5M2", 1),
          Map.entry("F8_E4M3", 1),
          Map.entry("I16", 2),
          Map.entry("U16", 2),
          Map.entry("F16", 2),
          Map.entry("BF16", 2),
          Map.entry("I32", 4),
          Map.entry("U32", 4),
          Map.entry("F32", 4),
          Map.entry("F64", 8),
          Map.entry("I64", 8),
          Map.entry("U64", 8));

  private SafeTensors() {}

  /**
   * One tensor of a file.
   *
   * @param type e.g. "F32"
   * @param shape its axes
   * @param from offset of its values from the end of the header
   * @param to offset of their end
   */
  record Entry(String type, long[] shape, long from, long to) {}

  /**
   * What a header says, checked against the file.
   *
   * @param metadata free texts
   * @param tensors by name
   * @param dataFrom offset of the values in the file
   */
  record Header(
      SortedMap<String, String> metadata, SortedMap<String, Entry> tensors, long dataFrom) {}

  /**
   * Writes a minimum, whole or not at all, so that {@code load_state_dict(..., strict=True)} takes
   * it.
   *
   * @throws IsthmusException IO if the disk refuses
   */
  public static void write(Path target, MinimumFile minimum) {
    StateDict state = minimum.state();
    Map<String, String> metadata = metadata(minimum.origin());
    metadata.put("steps", Long.toString(minimum.steps()));
    Map<String, Object> header = new LinkedHashMap<>();
    header.put(METADATA, metadata);
    long at = 0;
    for (String counter : state.counters()) {
      header.put(counter, entry("I64", new long[0], at, at += Long.BYTES));
    }
    for (TensorInfo tensor : state.tensors()) {
      long bytes = tensor.size() * Float.BYTES;
      header.put(tensor.name(), entry("F32", tensor.shape(), at, at += bytes));
    }
    ByteBuffer data = ByteBuffer.allocate(Math.toIntExact(at)).order(ByteOrder.LITTLE_ENDIAN);
    state.counters().forEach(counter -> data.putLong(minimum.steps()));
    data.asFloatBuffer().put(state.values());
    AtomicFile.write(target, List.of(start(header), data.rewind()));
  }

  /**
   * Writes a path, whole or not at all: the tensors of a state dictionary, batch counters included,
   * each with the pivots as its first axis.
   *
   * @throws IsthmusException IO if the disk refuses
   */
  public static void write(Path target, StackedPath path) {
    long pivots = path.pivots().size();
    List<String> counters = new StateDict(path.tensors(), path.pivots().get(0)).counters();
    Map<String, String> metadata = metadata(path.origin());
    metadata.put("kind", StackedPath.KIND);
    metadata.put("pair", path.pair().toString());
    metadata.put("cycle", Integer.toString(path.cycle()));
    metadata.put("pivots", Long.toString(pivots));
    Map<String, Object> header = new LinkedHashMap<>();
    header.put(METADATA, metadata);
    long at = 0;
    for (String counter : counters) {
      header.put(counter, entry("I64", new long[] {pivots}, at, at += pivots * Long.BYTES));
    }
    List<ByteBuffer> parts = new ArrayList<>();
    parts.add(ByteBuffer.allocate(Math.toIntExact(at)));
    for (TensorInfo tensor : path.tensors()) {
      long bytes = pivots * tensor.size() * Float.BYTES;
      header.put(tensor.name(), entry("F32", Stacks.shape(pivots, tensor), at, at += bytes));
      ByteBuffer values =
          ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
      FloatBuffer floats = values.asFloatBuffer();
      path.slices(tensor).forEach(floats::put);
      parts.add(values);
    }
    parts.add(0, start(header));
    AtomicFile.write(target, parts);
  }

  private static Map<String, String> metadata(Origin origin) {
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put("format", "pt");
    metadata.put("architecture", origin.architecture());
    metadata.put("dataset", origin.dataset());
    metadata.put("seed", Long.toString(origin.seed()));
    return metadata;
  }

  /** Length and text of the header, padded so that the values are aligned. */
  private static ByteBuffer start(Map<String, Object> header) {
    byte[] text = new JsonMapper().writeValueAsString(header).getBytes(StandardCharsets.UTF_8);
    int padded = (text.length + LENGTH - 1) / LENGTH * LENGTH;
    ByteBuffer start = ByteBuffer.allocate(LENGTH + padded).order(ByteOrder.LITTLE_ENDIAN);
    start.putLong(padded).put(text);
    while (start.hasRemaining()) {
      start.put((byte) ' ');
    }
    return start.flip();
  }

  private static Map<String, Object> entry(String type, long[] shape, long from, long to) {
    Map<String, Object> entry = new LinkedHashMap<>();
    entry.put("dtype", type);
    entry.put("shape", shape);
    entry.put("data_offsets", new long[] {from, to});
    return entry;
  }

  /**
   * Reads the tensors of a model, in any order.
   *
   * @throws IsthmusException DATA if the file is damaged, or its keys, shapes or types do not fit,
   *     IO if it cannot be read
   */
  static StateDict read(Path source, List<TensorInfo> model) {
    try (FileChannel channel = FileChannel.open(source, StandardOpenOption.READ)) {
      Header header = header(source, channel);
      StateDict.requireMatch(shapes(header), model, source);
      FloatBuffer values = Values.allocate(StateDict.sizeOf(model));
      for (TensorInfo tensor : model) {
        values.put(floats(source, channel, header, tensor.name()));
      }
      return new StateDict(model, values.flip());
    } catch (IOException e) {
      throw AtomicFile.failure("read", source, e);
    }
  }

  /** Whether a file holds a path: the tensor "pivots", or stacked tensors of the model. */
  static boolean isPath(Path source, List<TensorInfo> model) {
    try (FileChannel channel = FileChannel.open(source, StandardOpenOption.READ)) {
      Map<String, long[]> shapes = shapes(header(source, channel));
      return shapes.containsKey(PIVOTS) || Stacks.isPath(shapes, model);
    } catch (IOException e) {
      throw AtomicFile.failure("read", source, e);
    }
  }

  /**
   * Reads a path: the tensor "pivots" [2 or more, size of the model], or else the model's tensors,
   * each stacked.
   *
   * @throws IsthmusException as {@link #read}
   */
  static List<FloatBuffer> pivots(Path source, List<TensorInfo> model) {
    try (FileChannel channel = FileChannel.open(source, StandardOpenOption.READ)) {
      Header header = header(source, channel);
      Map<String, long[]> shapes = shapes(header);
      long[] rows = shapes.get(PIVOTS);
      List<TensorInfo> tensors = model;
      if (rows != null) { // as if it were the only tensor of a model
        long size = StateDict.sizeOf(model);
        tensors = List.of(new TensorInfo(PIVOTS, false, 0, new long[] {size}));
        shapes = Map.of(PIVOTS, rows);
      }
      int count = Stacks.pivots(shapes, tensors, source);
      List<FloatBuffer> pivots = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        pivots.add(Values.allocate(StateDict.sizeOf(model)));
      }
      for (TensorInfo tensor : tensors) {
        FloatBuffer values = floats(source, channel, header, tensor.name());
        int size = Math.toIntExact(tensor.size());
        for (int i = 0; i < count; i++) {
          pivots.get(i).put(values.slice(i * size, size));
        }
      }
      pivots.forEach(FloatBuffer::flip);
      return pivots;
    } catch (IOException e) {
      throw AtomicFile.failure("read", source, e);
    }
  }

  private static Map<String, long[]> shapes(Header header) {
    Map<String, long[]> shapes = new TreeMap<>();
    header.tensors().forEach((name, entry) -> shapes.put(name, entry.shape()));
    return shapes;
  }

  private static FloatBuffer floats(Path source, FileChannel channel, Header header, String name)
      throws IOException {
    Entry entry = header.tensors().get(name);
    if (!entry.type().equals("F32")) {
      throw new IsthmusException(
          ExitCode.DATA,
          "%s holds %s as %s, but F32 is needed; convert it to float32 first."
              .formatted(source, name, entry.type()));
    }
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(Math.toIntExact(entry.to() - entry.from()))
            .order(ByteOrder.LITTLE_ENDIAN);
    readFully(channel, bytes, header.dataFrom() + entry.from());
    return bytes.flip().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
  }

  /** Reads and checks the header of a file. */
  static Header header(Path source, FileChannel channel) throws IOException {
    if (channel.size() < LENGTH + 2) {
      throw damaged(source, "it is too short");
    }
    ByteBuffer length = ByteBuffer.allocate(LENGTH).order(ByteOrder.LITTLE_ENDIAN);
    readFully(channel, length, 0);
    long count = length.getLong(0);
    if (count < 2 || count > Math.min(channel.size() - LENGTH, LONGEST_HEADER)) {
      throw damaged(source, "its header claims %s bytes".formatted(Long.toUnsignedString(count)));
    }
    ByteBuffer text = ByteBuffer.allocate((int) count);
    readFully(channel, text, LENGTH);
    long dataFrom = LENGTH + count;
    try {
      JsonNode json =
          JsonMapper.builder(
                  JsonFactory.builder()
                      .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                      .build())
              .build()
              .readTree(text.array());
      return parse(json, dataFrom, channel.size() - dataFrom);
    } catch (JacksonException | IllegalArgumentException | ArithmeticException e) {
      throw damaged(source, "its header is invalid, " + JsonReason.of(e));
    }
  }

  /** Every byte of the data must belong to exactly one tensor. */
  private static Header parse(JsonNode json, long dataFrom, long dataBytes) {
    SortedMap<String, String> metadata = new TreeMap<>();
    SortedMap<String, Entry> tensors = new TreeMap<>();
    require(json.isObject(), "it is no JSON object");
    for (Map.Entry<String, JsonNode> property : json.properties()) {
      String name = property.getKey();
      JsonNode value = property.getValue();
      if (name.equals(METADATA)) {
        value.properties().forEach(text -> metadata.put(text.getKey(), text.getValue().asString()));
        continue;
      }
      JsonNode type = value.path("dtype");
      require(type.isString() && WIDTHS.containsKey(type.stringValue()), "tensor type of " + name);
      long[] shape = numbers(value.path("shape"), name);
      long[] offsets = numbers(value.path("data_offsets"), name);
      long bytes = WIDTHS.get(type.stringValue());
      for (long n : shape) {
        bytes = Math.multiplyExact(bytes, n);
      }
      require(
          offsets.length == 2 && offsets[1] - offsets[0] == bytes, "place and shape of " + name);
      tensors.put(name, new Entry(type.stringValue(), shape, offsets[0], offsets[1]));
    }
    List<Entry> inOrder = new ArrayList<>(tensors.values());
    inOrder.sort(Comparator.comparingLong(Entry::from).thenComparing(Entry::to));
    long at = 0;
    for (Entry entry : inOrder) {
      require(entry.from() == at, "its tensors overlap or leave holes");
      at = entry.to();
    }
    require(at == dataBytes, "its tensors have %d bytes, not %d".formatted(dataBytes, at));
    return new Header(metadata, tensors, dataFrom);
  }

  private static long[] numbers(JsonNode array, String name) {
    require(array.isArray() && array.size() <= 16, "numbers of " + name);
    long[] numbers = new long[array.size()];
    for (int i = 0; i < numbers.length; i++) {
      JsonNode number = array.get(i);
      require(
          number.isIntegralNumber() && number.canConvertToLong() && number.longValue() >= 0,
          "numbers of " + name);
      numbers[i] = number.longValue();
    }
    return numbers;
  }

  private static void require(boolean condition, String what) {
    if (!condition) {
      throw new IllegalArgumentException(what);
    }
  }

  private static void readFully(FileChannel channel, ByteBuffer into, long from)
      throws IOException {
    for (long at = from; into.hasRemaining(); ) {
      int count = channel.read(into, at);
      if (count < 0) {
        throw new IOException("the file became shorter while it was read");
      }
      at += count;
    }
  }

  private static IsthmusException damaged(Path source, String how) {
    return new IsthmusException(
        ExitCode.DATA,
        "%s is not a sound safetensors file: %s; get it anew.".formatted(source, how));
  }
}
