package io.isthmus.store;

import static org.bytedeco.hdf5.global.hdf5.*;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.LongStream;
import org.bytedeco.hdf5.H5E_auto2_t;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * One HDF5 file being built in memory (libhdf5's core driver without a backing store) and then
 * saved through {@link AtomicFile} behind a {@link Seal}.
 *
 * <p>Every dataset is little-endian in C order and has an attribute {@code sha256} over its bytes;
 * every one that is not a scalar is chunked with a fletcher32 checksum, which libhdf5 verifies for
 * any reader. Attributes are scalar variable-length UTF-8 strings. Times are not recorded: equal
 * content gives equal bytes.
 *
 * <p>libhdf5 is not thread-safe, so a writer holds one process-wide lock from {@link #create} to
 * {@link #close}; use it in one try statement on one thread.
 */
final class Hdf5Writer implements AutoCloseable {
  private static final ReentrantLock LIBRARY = new ReentrantLock();
  private static final long GROWTH = 1 << 22;
  private static final long VARIABLE_LENGTH = -1; // H5T_VARIABLE, which is a size_t
  private static boolean started;

  private final String kind;
  private final long file;
  private final long links;

  private Hdf5Writer(String kind) {
    this.kind = kind;
    long access = require(H5Pcreate(H5P_CLS_FILE_ACCESS_ID_g()), "make a property list");
    long creation = require(H5Pcreate(H5P_CLS_FILE_CREATE_ID_g()), "make a property list");
    require(H5Pset_fapl_core(access, GROWTH, false), "choose the memory driver");
    require(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG), "have all closed with the file");
    require(H5Pset_userblock(creation, Seal.SIZE), "reserve the user block");
    file = require(H5Fcreate("memory", H5F_ACC_TRUNC(), creation, access), "create a file");
    H5Pclose(access);
    H5Pclose(creation);
    links = require(H5Pcreate(H5P_CLS_LINK_CREATE_ID_g()), "make a property list");
    require(H5Pset_create_intermediate_group(links, 1), "configure links");
    require(H5Pset_char_encoding(links, H5T_CSET_UTF8), "configure links");
  }

  /** Starts a file of this kind; takes the lock. */
  static Hdf5Writer create(String kind) {
    LIBRARY.lock();
    try {
      startLibrary();
      Hdf5Writer writer = new Hdf5Writer(kind);
      writer.attribute("/", "format", "isthmus");
      writer.attribute("/", "version", Integer.toString(Seal.VERSION));
      writer.attribute("/", "kind", kind);
      return writer;
    } catch (RuntimeException | Error e) {
      LIBRARY.unlock();
      throw e;
    }
  }

  /**
   * Attaches a text to the group or dataset {@code object}; numbers travel as their shortest text.
   */
  void attribute(String object, String name, String value) {
    long id = require(H5Oopen(file, object, 0), "open " + object);
    try {
      attribute(id, name, value);
    } finally {
      H5Oclose(id);
    }
  }

  /**
   * A float32 dataset; {@code shape} empty: a scalar. All of {@code values} from its position on.
   */
  void floats(String path, FloatBuffer values, long... shape) {
    try (FloatPointer data = new FloatPointer(values.slice())) {
      dataset(path, H5T_IEEE_F32LE_g(), Float.BYTES, shape, shape, List.of(data));
    }
  }

  /** A float32 dataset [rows, columns], one chunk per row. */
  void rows(String path, List<FloatBuffer> rows) {
    long columns = rows.get(0).remaining();
    List<Pointer> data = new ArrayList<>();
    for (FloatBuffer row : rows) {
      if (row.remaining() != columns) {
        throw new IllegalArgumentException("Rows of different length in " + path);
      }
      data.add(new FloatPointer(row.slice()));
    }
    dataset(
        path,
        H5T_IEEE_F32LE_g(),
        Float.BYTES,
        new long[] {rows.size(), columns},
        new long[] {1, columns},
        data);
  }

  /** A float32 dataset [parts, shape...], one chunk per part. */
  void stack(String path, List<FloatBuffer> parts, long... shape) {
    List<Pointer> data = new ArrayList<>();
    parts.forEach(part -> data.add(new FloatPointer(part.slice())));
    dataset(path, H5T_IEEE_F32LE_g(), Float.BYTES, axes(parts.size(), shape), axes(1, shape), data);
  }

  /** A float64 dataset. */
  void doubles(String path, double[] values, long... shape) {
    try (DoublePointer data = new DoublePointer(values)) {
      dataset(path, H5T_IEEE_F64LE_g(), Double.BYTES, shape, shape, List.of(data));
    }
  }

  /** An int64 dataset. */
  void longs(String path, long[] values, long... shape) {
    try (LongPointer data = new LongPointer(values)) {
      dataset(path, H5T_STD_I64LE_g(), Long.BYTES, shape, shape, List.of(data));
    }
  }

  /** A dataset of texts: fixed-length UTF-8 padded with zeros, so that the checksums cover them. */
  void strings(String path, List<String> values) {
    List<byte[]> texts = values.stream().map(v -> v.getBytes(StandardCharsets.UTF_8)).toList();
    int width = texts.stream().mapToInt(t -> t.length).max().orElse(1);
    byte[] cells = new byte[width * texts.size()];
    for (int i = 0; i < texts.size(); i++) {
      System.arraycopy(texts.get(i), 0, cells, i * width, texts.get(i).length);
    }
    long type = stringType(width);
    try (BytePointer data = new BytePointer(cells)) {
      long[] shape = {texts.size()};
      dataset(path, type, width, shape, shape, List.of(data));
    } finally {
      H5Tclose(type);
    }
  }

  /** Puts the file in place of {@code target}, whole or not at all. */
  void save(Path target) {
    image(parts -> AtomicFile.write(target, parts));
  }

  /** Like {@link #save}, and keeps the file before it. */
  void saveKeepingPrevious(Path target) {
    image(parts -> AtomicFile.writeKeepingPrevious(target, parts));
  }

  @Override
  public void close() {
    H5Pclose(links);
    H5Fclose(file);
    LIBRARY.unlock();
  }

  /** Writes a dataset of which {@code parts} are the chunks, one after the other along axis 0. */
  private void dataset(
      String path, long type, int width, long[] shape, long[] chunk, List<Pointer> parts) {
    boolean scalar = shape.length == 0;
    long partBytes = Math.toIntExact(Arrays.stream(chunk).reduce(1, Math::multiplyExact) * width);
    for (Pointer part : parts) {
      if (part.limit() * part.sizeof() != partBytes) {
        throw new IllegalArgumentException(
            "%s has shape %s but %d bytes"
                .formatted(path, Arrays.toString(shape), part.limit() * part.sizeof()));
      }
    }
    long space =
        scalar ? H5Screate(H5S_SCALAR) : H5Screate_simple(shape.length, shape, (long[]) null);
    long properties = require(H5Pcreate(H5P_CLS_DATASET_CREATE_ID_g()), "make a property list");
    require(H5Pset_obj_track_times(properties, false), "configure " + path);
    if (!scalar) {
      require(H5Pset_chunk(properties, chunk.length, chunk), "chunk " + path);
      require(H5Pset_fletcher32(properties), "checksum " + path);
    }
    long dataset =
        require(
            H5Dcreate2(file, path, type, require(space, "size " + path), links, properties, 0),
            "create " + path);
    MessageDigest sha256 = Digests.sha256();
    long memory = scalar ? 0 : H5Screate_simple(chunk.length, chunk, (long[]) null);
    long[] start = new long[shape.length];
    long[] one = new long[shape.length];
    Arrays.fill(one, 1);
    for (int i = 0; i < parts.size(); i++) {
      Pointer part = parts.get(i);
      if (!scalar) {
        start[0] = i * chunk[0];
        require(
            H5Sselect_hyperslab(space, H5S_SELECT_SET, start, null, one, chunk), "select " + path);
      }
      require(H5Dwrite(dataset, type, memory, scalar ? 0 : space, 0, part), "write " + path);
      sha256.update(bytes(part, 0, partBytes));
    }
    attribute(dataset, "sha256", HexFormat.of().formatHex(sha256.digest()));
    if (!scalar) {
      H5Sclose(memory);
    }
    H5Dclose(dataset);
    H5Pclose(properties);
    H5Sclose(space);
  }

  private void attribute(long object, String name, String value) {
    long type = stringType(VARIABLE_LENGTH);
    long space = require(H5Screate(H5S_SCALAR), "size an attribute");
    long attribute = require(H5Acreate2(object, name, type, space, 0, 0), "create " + name);
    try (BytePointer text = new BytePointer(value, StandardCharsets.UTF_8);
        PointerPointer<BytePointer> reference = new PointerPointer<>(1)) {
      require(H5Awrite(attribute, type, reference.put(text)), "write " + name);
    } finally {
      H5Aclose(attribute);
      H5Sclose(space);
      H5Tclose(type);
    }
  }

  private static long stringType(long width) {
    long type = require(H5Tcopy(H5T_C_S1_g()), "make a text type");
    require(H5Tset_size(type, width), "size a text type");
    require(H5Tset_cset(type, H5T_CSET_UTF8), "choose UTF-8");
    require(
        H5Tset_strpad(type, width == VARIABLE_LENGTH ? H5T_STR_NULLTERM : H5T_STR_NULLPAD),
        "pad a text type");
    return type;
  }

  private static long[] axes(long first, long[] others) {
    return LongStream.concat(LongStream.of(first), LongStream.of(others)).toArray();
  }

  private interface Sink {
    void accept(List<ByteBuffer> parts);
  }

  private void image(Sink sink) {
    require(H5Fflush(file, H5F_SCOPE_GLOBAL), "finish the file");
    long size = require(H5Fget_file_image(file, (Pointer) null, 0), "measure the file");
    try (BytePointer image = new BytePointer(size)) {
      require(H5Fget_file_image(file, image, size), "take the file's image");
      List<ByteBuffer> parts = new ArrayList<>();
      parts.add(null);
      MessageDigest sha256 = Digests.sha256();
      int most = 1 << 30;
      for (long from = 0; from < size; from += most) {
        ByteBuffer part = bytes(image, from, Math.min(most, size - from));
        sha256.update(part.duplicate());
        parts.add(part);
      }
      Seal seal = new Seal(Seal.VERSION, kind, size, sha256.digest());
      parts.set(0, ByteBuffer.wrap(seal.render()));
      sink.accept(parts);
    }
  }

  /** A view of native memory. */
  private static ByteBuffer bytes(Pointer data, long from, long count) {
    BytePointer view = new BytePointer(data);
    return view.position(from).limit(from + count).asByteBuffer();
  }

  private static long require(long result, String what) {
    if (result < 0) {
      throw new IsthmusException(
          ExitCode.INTERNAL,
          "libhdf5 could not "
              + what
              + "; if memory is short use a smaller model or fewer pivots, else report this.");
    }
    return result;
  }

  /** Loads libhdf5 and stops it from printing errors by itself. Under the lock. */
  private static void startLibrary() {
    if (started) {
      return;
    }
    if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
      throw new IsthmusException(
          ExitCode.UNAVAILABLE, "Isthmus writes its files on little-endian processors only.");
    }
    require(H5open(), "start");
    H5Eset_auto2(H5E_DEFAULT, (H5E_auto2_t) null, null);
    started = true;
  }
}
