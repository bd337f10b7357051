package io.isthmus.data;

import io.isthmus.config.DataConfig;
import io.isthmus.config.DidYouMean;
import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.config.NamedData;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Reads data sets: those with a name, and the user's own images. */
public final class DataSets {
  private DataSets() {}

  /**
   * The images of a configuration, checked against what was published. A limit takes the first
   * images of a part, in the order of the files.
   *
   * @throws IsthmusException IO for a missing or unreadable file, DATA for a damaged one
   */
  public static DataSource load(DataConfig config) {
    Parts parts =
        config.name().equals("file")
            ? ImageFile.read(Path.of(config.file()))
            : named(set(config.name()), config.folder());
    ImageSet train = first(parts.train(), config.trainLimit());
    ImageSet test = first(parts.test(), config.testLimit());
    Normalisation normalisation =
        config.normalise() ? Normalisation.of(train) : Normalisation.none(train.channels());
    return new DataSource(train, test, normalisation.mean(), normalisation.std());
  }

  /**
   * Whether {@link #load} would find files: false for a named set of which there is none at all.
   * What is in them is not looked at.
   */
  public static boolean present(DataConfig config) {
    if (config.name().equals("file")) {
      return true;
    }
    DataSetInfo info = info(config.name());
    OfficialFolder files = new OfficialFolder(info, folder(config.name(), config.folder()));
    return info.bundled() || info.files().stream().anyMatch(files::holds);
  }

  /**
   * As many images of the same shape as {@link #load} would give, with pixels and labels drawn at
   * random: to see how long work takes with images that are not here.
   */
  public static DataSource standIn(DataConfig config) {
    NamedData set = set(config.name());
    ImageSet train = noise(set, "train", count(set.trainCount(), config.trainLimit()));
    ImageSet test = noise(set, "test", count(set.testCount(), config.testLimit()));
    Normalisation normalisation = Normalisation.of(train);
    return new DataSource(train, test, normalisation.mean(), normalisation.std());
  }

  private static int count(int all, int limit) {
    return limit == 0 ? all : Math.min(all, limit);
  }

  private static ImageSet noise(NamedData set, String part, int count) {
    Random random = new Random(1);
    byte[] images = new byte[count * set.channels() * set.height() * set.width()];
    random.nextBytes(images);
    return new ImageSet(
        set.key() + " " + part,
        count,
        set.channels(),
        set.height(),
        set.width(),
        set.classes(),
        images,
        random.ints(count, 0, set.classes()).toArray());
  }

  /** The data sets with a name. */
  public static List<DataSetInfo> catalogue() {
    return Catalogue.all();
  }

  /** The catalogue's entry of a name. */
  public static DataSetInfo info(String name) {
    return Catalogue.of(set(name));
  }

  /**
   * Where the files of a named data set are looked for: {@code folder} if not null, else a folder
   * of that name in {@code $ISTHMUS_DATA}, else in {@code ~/.cache/isthmus/data}.
   */
  public static Path folder(String name, String folder) {
    if (folder != null) {
      return Path.of(folder);
    }
    String home = System.getenv("ISTHMUS_DATA");
    Path root =
        home == null || home.isBlank()
            ? Path.of(System.getProperty("user.home"), ".cache", "isthmus", "data")
            : Path.of(home);
    return root.resolve(name);
  }

  /** The state of each file of a named data set; empty for one that comes with Isthmus. */
  public static List<FileCheck> check(String name, String folder) {
    DataSetInfo info = info(name);
    OfficialFolder files = new OfficialFolder(info, folder(name, folder));
    return info.files().stream().map(files::check).toList();
  }

  /** Training and test images. */
  record Parts(ImageSet train, ImageSet test) {}

  private static NamedData set(String name) {
    return NamedData.of(name)
        .orElseThrow(
            () ->
                new IsthmusException(
                    ExitCode.USAGE,
                    "there is no data set "
                        + name
                        + DidYouMean.hint(name, NamedData.names())
                        + "; there are "
                        + String.join(", ", NamedData.names())));
  }

  private static Parts named(NamedData set, String folder) {
    DataSetInfo info = Catalogue.of(set);
    OfficialFolder files = new OfficialFolder(info, folder(set.key(), folder));
    List<OfficialFile> all = info.files();
    int last = all.size() - 1;
    return switch (set) {
      case DIGITS -> new Parts(BundledSets.digits(false), BundledSets.digits(true));
      case XOR -> new Parts(BundledSets.xor(), BundledSets.xor());
      case CIFAR10, CIFAR100 ->
          new Parts(
              CifarFiles.read(files, set, "train", all.subList(0, last)),
              CifarFiles.read(files, set, "test", all.subList(last, all.size())));
      case MNIST, FASHION_MNIST ->
          new Parts(
              IdxFiles.read(files, set, "train", set.trainCount(), all.get(0), all.get(1)),
              IdxFiles.read(files, set, "test", set.testCount(), all.get(2), all.get(3)));
    };
  }

  private static ImageSet first(ImageSet set, int limit) {
    if (limit == 0 || limit >= set.count()) {
      return set;
    }
    return new ImageSet(
        set.name(),
        limit,
        set.channels(),
        set.height(),
        set.width(),
        set.classes(),
        Arrays.copyOf(set.images(), limit * set.pixels()),
        Arrays.copyOf(set.labels(), limit));
  }
}
