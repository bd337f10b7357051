package io.isthmus.data;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.jhdf.HdfFile;
import io.jhdf.api.Attribute;
import io.jhdf.api.Dataset;
import io.jhdf.api.Group;
import io.jhdf.api.Node;
import io.jhdf.api.dataset.ChunkedDataset;
import io.jhdf.api.dataset.ContiguousDataset;
import io.jhdf.object.datatype.FixedPoint;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * The user's own images in one HDF5 file:
 *
 * <pre>
 * /train/images   unsigned bytes [n, channels, height, width], or [n, height, width] when grey;
 *                 with the attribute layout = "NHWC": [n, height, width, channels]
 * /train/labels   integers [n], from 0
 * /test/images, /test/labels   likewise
 * attribute classes of the file (optional): number of labels; else the largest label + 1
 * </pre>
 *
 * Read with a pure Java library, so that a stranger's file never reaches native code; what a file
 * claims is compared with its size before memory is taken. Deflated and shuffled chunks are
 * understood; a Fletcher-32 checksum of the writer is not verified.
 */
final class ImageFile {
  /** More than deflate can ever gain, 1032 : 1. */
  private static final long LARGEST_COMPRESSION = 1100;

  private static final int LARGEST_CHUNK = 1 << 28;
  private static final int MOST_CLASSES = 1_000_000;

  private final Path path;
  private final long fileBytes;

  private ImageFile(Path path, long fileBytes) {
    this.path = path;
    this.fileBytes = fileBytes;
  }

  /** Both parts of a file. */
  static DataSets.Parts read(Path path) {
    if (!Files.isRegularFile(path)) {
      throw new IsthmusException(
          ExitCode.IO, "there is no file " + path + "; correct data.file, which names the images");
    }
    try {
      return new ImageFile(path, Files.size(path)).read();
    } catch (IOException e) {
      throw new IsthmusException(ExitCode.IO, "cannot read " + path + ": " + e.getMessage(), e);
    }
  }

  private DataSets.Parts read() {
    try (HdfFile file = new HdfFile(path)) {
      Raw train = part(file, "train");
      Raw test = part(file, "test");
      if (train.channels != test.channels
          || train.height != test.height
          || train.width != test.width) {
        throw error(
            "/test/images", "are " + test.shape() + ", but those of /train " + train.shape());
      }
      int classes = classes(file, Math.max(train.largestLabel(), test.largestLabel()) + 1);
      return new DataSets.Parts(train.toSet("train", classes), test.toSet("test", classes));
    } catch (IsthmusException e) {
      throw e;
    } catch (RuntimeException | StackOverflowError e) {
      String reason = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
      throw new IsthmusException(
          ExitCode.DATA,
          path
              + " cannot be read as an HDF5 file of images ("
              + reason.strip().replaceAll("\\s+", " ")
              + "); write it anew, in the format of HDF5 1.14 or earlier (which is h5py's default)",
          e);
    } catch (OutOfMemoryError e) {
      throw new IsthmusException(
          ExitCode.UNAVAILABLE,
          path + " needs more memory than Java has; allow more with -Xmx or store fewer images",
          e);
    }
  }

  /** Images [n][c][h][w] and labels as found. */
  private record Raw(int count, int channels, int height, int width, byte[] images, int[] labels) {
    String shape() {
      return channels + " x " + height + " x " + width;
    }

    int largestLabel() {
      return Arrays.stream(labels).max().orElse(0);
    }

    ImageSet toSet(String part, int classes) {
      return new ImageSet("file " + part, count, channels, height, width, classes, images, labels);
    }
  }

  private Raw part(Group file, String part) {
    Dataset images = dataset(file, part, "images");
    String at = "/" + part + "/images";
    if (!(images.getDataType() instanceof FixedPoint type)
        || type.isSigned()
        || type.getSize() != 1
        || type.getBitPrecision() != 8) {
      throw error(at, "must be unsigned bytes (uint8); convert them");
    }
    long[] dims = images.getDimensionsAsLong();
    if (dims.length != 4 && dims.length != 3) {
      throw error(at, "must have 4 dimensions, or 3 for one channel, but have " + dims.length);
    }
    long total = 1;
    for (long dim : dims) {
      if (dim < 1 || dim > Integer.MAX_VALUE || total * dim > Integer.MAX_VALUE - 8) {
        throw error(
            at,
            "have the shape "
                + Arrays.toString(dims)
                + ", which is empty or beyond 2 GiB; store fewer images");
      }
      total *= dim;
    }
    byte[] values = bytes(images, at, total);
    boolean last = dims.length == 4 && channelsLast(images, at);
    int count = (int) dims[0];
    int channels = dims.length == 3 ? 1 : (int) dims[last ? 3 : 1];
    int height = (int) dims[dims.length == 3 || last ? 1 : 2];
    int width = (int) dims[dims.length == 3 || last ? 2 : 3];
    byte[] ordered = last ? channelsFirst(values, count, height * width, channels) : values;
    int[] labels = labels(dataset(file, part, "labels"), "/" + part + "/labels", count);
    return new Raw(count, channels, height, width, ordered, labels);
  }

  private Dataset dataset(Group file, String part, String name) {
    if (!(child(file, part, "/" + part) instanceof Group group)) {
      throw error("/" + part, "must be a group with images and labels");
    }
    String at = "/" + part + "/" + name;
    if (!(child(group, name, at) instanceof Dataset dataset)) {
      throw error(at, "must be a data set");
    }
    return dataset;
  }

  private Node child(Group group, String name, String at) {
    Node node = group.getChildren().get(name);
    if (node == null) {
      throw error(at, "is missing; the file needs images and labels in /train and in /test");
    }
    if (node.isLink()) {
      throw error(at, "is a link; store the data itself");
    }
    return node;
  }

  private boolean channelsLast(Dataset images, String at) {
    Attribute layout = images.getAttribute("layout");
    if (layout == null || "NCHW".equals(layout.getData())) {
      return false;
    }
    if ("NHWC".equals(layout.getData())) {
      return true;
    }
    throw error(at, "have a layout that is neither NCHW nor NHWC; correct the attribute");
  }

  private static byte[] channelsFirst(byte[] values, int count, int plane, int channels) {
    byte[] ordered = new byte[values.length];
    int from = 0;
    for (int n = 0; n < count; n++) {
      for (int p = 0; p < plane; p++) {
        for (int c = 0; c < channels; c++) {
          ordered[(n * channels + c) * plane + p] = values[from++];
        }
      }
    }
    return ordered;
  }

  private int[] labels(Dataset dataset, String at, int count) {
    long[] dims = dataset.getDimensionsAsLong();
    if (dims.length != 1 || dims[0] != count) {
      throw error(
          at, "must be one per image, " + count + ", but have the shape " + Arrays.toString(dims));
    }
    if (!(dataset.getDataType() instanceof FixedPoint type) || type.getSize() > 8) {
      throw error(at, "must be integers; convert them");
    }
    int size = type.getSize();
    byte[] raw = bytes(dataset, at, (long) count * size);
    boolean little = type.getByteOrder() == ByteOrder.LITTLE_ENDIAN;
    int[] labels = new int[count];
    for (int i = 0; i < count; i++) {
      long value = 0;
      for (int b = 0; b < size; b++) {
        int place = little ? size - 1 - b : b;
        int digit = raw[i * size + place];
        value = b == 0 && type.isSigned() ? digit : value << 8 | (digit & 0xff);
      }
      if (value < 0 || value >= MOST_CLASSES) {
        throw error(
            at,
            "give image "
                + i
                + " the label "
                + value
                + "; labels count from 0 to at most "
                + (MOST_CLASSES - 1));
      }
      labels[i] = (int) value;
    }
    return labels;
  }

  private int classes(HdfFile file, int least) {
    Attribute attribute = file.getAttribute("classes");
    if (attribute == null) {
      return least;
    }
    long classes = attribute.getData() instanceof Number number ? number.longValue() : 0;
    if (classes < least || classes > MOST_CLASSES) {
      throw error(
          "the attribute classes", "must be a number of at least " + least + ", the labels found");
    }
    return (int) classes;
  }

  /** The stored bytes of a data set in row-major order. */
  private byte[] bytes(Dataset dataset, String at, long total) {
    if (total > fileBytes * LARGEST_COMPRESSION || total > Integer.MAX_VALUE - 8) {
      throw error(at, "claim " + total + " bytes, more than a file of this size can hold");
    }
    if (dataset instanceof ChunkedDataset chunked) {
      return chunks(chunked, at, total);
    }
    ByteBuffer buffer;
    if (dataset instanceof ContiguousDataset contiguous) {
      if (total > fileBytes) {
        throw error(at, "claim " + total + " bytes, more than the file has");
      }
      buffer = contiguous.getBuffer();
    } else {
      throw error(
          at, "are stored compactly inside their header; store them as chunks or as a block");
    }
    if (buffer.remaining() < total) {
      throw error(at, "are cut off: " + buffer.remaining() + " bytes instead of " + total);
    }
    byte[] bytes = new byte[(int) total];
    buffer.get(bytes);
    return bytes;
  }

  private byte[] chunks(ChunkedDataset dataset, String at, long total) {
    int[] dims = dataset.getDimensions();
    int[] chunk = dataset.getChunkDimensions();
    int element = dataset.getDataType().getSize();
    long chunkBytes = element;
    for (int c : chunk) {
      chunkBytes = c < 1 || chunkBytes * c > LARGEST_CHUNK ? -1 : chunkBytes * c;
      if (chunkBytes < 0) {
        break;
      }
    }
    if (chunk.length != dims.length || chunkBytes < 0) {
      throw error(at, "have chunks of the shape " + Arrays.toString(chunk) + "; use smaller ones");
    }
    long number = 1; // at most total, so it cannot overflow
    for (int d = 0; d < dims.length; d++) {
      number *= (dims[d] + chunk[d] - 1L) / chunk[d];
    }
    if (number > fileBytes) {
      throw error(at, "claim " + number + " chunks, more than a file of this size can hold");
    }
    byte[] bytes = new byte[(int) total];
    int[] origin = new int[dims.length];
    do {
      byte[] values = dataset.getDecompressedChunk(origin);
      if (values.length < chunkBytes) {
        throw error(at, "have a chunk that is cut off at " + Arrays.toString(origin));
      }
      copyChunk(values, chunk, origin, bytes, dims, element);
    } while (next(origin, chunk, dims));
    return bytes;
  }

  /** Moves on to the next chunk in row-major order. */
  private static boolean next(int[] origin, int[] chunk, int[] dims) {
    for (int d = dims.length - 1; d >= 0; d--) {
      if ((long) origin[d] + chunk[d] < dims[d]) {
        origin[d] += chunk[d];
        return true;
      }
      origin[d] = 0;
    }
    return false;
  }

  /** Copies the part of a chunk that lies inside the data set, row by row of the last dimension. */
  private static void copyChunk(
      byte[] values, int[] chunk, int[] origin, byte[] bytes, int[] dims, int element) {
    int rank = dims.length;
    int[] extent = new int[rank];
    for (int d = 0; d < rank; d++) {
      extent[d] = Math.min(chunk[d], dims[d] - origin[d]);
    }
    int[] row = new int[rank]; // its last entry stays 0
    int[] step = new int[rank];
    Arrays.fill(step, 1);
    step[rank - 1] = extent[rank - 1];
    do {
      int from = 0;
      int to = 0;
      for (int d = 0; d < rank; d++) {
        from = from * chunk[d] + row[d];
        to = to * dims[d] + origin[d] + row[d];
      }
      System.arraycopy(values, from * element, bytes, to * element, extent[rank - 1] * element);
    } while (next(row, step, extent));
  }

  private IsthmusException error(String where, String problem) {
    return new IsthmusException(ExitCode.DATA, path + ": " + where + " " + problem);
  }
}
