package io.isthmus.config;

import static io.isthmus.config.InvalidSetting.present;
import static io.isthmus.config.InvalidSetting.require;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The network or surface whose landscape is explored.
 *
 * @param spec {@code name[:key=value[,key=value...]]}, such as {@code resnet20:shortcut=B}, {@code
 *     densenet40-12}, {@code mlp-64-32:activation=tanh}, {@code cnn-16-32}, {@code
 *     surface-mueller-brown}
 */
public record ModelConfig(String spec) {
  /** Kinds of models; the defaults of training and path batches go by them. */
  public enum Family {
    /** CIFAR residual networks (He et al. 2016). */
    RESNET("resnet<depth>", "resnet\\d+", "shortcut", "width"),
    /** Densely connected networks (Huang et al. 2017). */
    DENSENET(
        "densenet<depth>-<growth>[-bc]", "densenet\\d+-\\d+(-bc)?", "bottleneck", "compression"),
    /** Multi-layer perceptrons. */
    MLP("mlp[-<width>...]", "mlp(-\\d+)*", "activation", "batchnorm"),
    /** Plain convolutional networks. */
    CNN("cnn-<width>[-<width>...]", "cnn(-\\d+)+", "batchnorm", "dense", "kernel"),
    /** Two-dimensional test surfaces. */
    SURFACE("surface-<name>", "surface-[a-z-]+");

    private final String form;
    private final Pattern name;
    private final List<String> keys;

    Family(String form, String name, String... keys) {
      this.form = form;
      this.name = Pattern.compile(name);
      this.keys = List.of(keys);
    }
  }

  private static final List<String> EXAMPLES =
      List.of(
          "resnet8",
          "resnet20",
          "resnet32",
          "resnet44",
          "resnet56",
          "densenet40-12",
          "densenet100-12-bc",
          "surface-mueller-brown",
          "surface-leps",
          "surface-egg-carton",
          "surface-curvy-valley",
          "surface-flat");

  /** Checks the form of the spec and the names of its options; the engine judges their values. */
  public ModelConfig {
    present(spec, "model.spec");
    Optional<Family> family = familyOf(nameOf(spec));
    String quoted = "is '" + spec + "', ";
    require(
        family.isPresent(),
        "model.spec",
        quoted
            + "which is none of "
            + Arrays.stream(Family.values()).map(f -> f.form).collect(Collectors.joining(", "))
            + DidYouMean.hint(nameOf(spec), EXAMPLES));
    if (spec.contains(":")) {
      for (String option : spec.substring(spec.indexOf(':') + 1).split(",", -1)) {
        requireOption(family.get(), option, quoted);
      }
    }
  }

  private static void requireOption(Family family, String option, String quoted) {
    String key = option.substring(0, Math.max(0, option.indexOf('=')));
    require(
        !key.isEmpty() && key.length() + 1 < option.length(),
        "model.spec",
        quoted + "but options are written key=value, not '" + option + "'");
    String known = family.keys.isEmpty() ? "no options" : String.join(", ", family.keys);
    require(
        family.keys.contains(key),
        "model.spec",
        quoted
            + "but "
            + family.form
            + " has "
            + known
            + ", not '"
            + key
            + "'"
            + DidYouMean.hint(key, family.keys));
  }

  /** The kind of model. */
  public Family family() {
    return familyOf(name()).orElseThrow();
  }

  /** The spec up to its options. */
  public String name() {
    return nameOf(spec);
  }

  private static String nameOf(String spec) {
    int colon = spec.indexOf(':');
    return colon < 0 ? spec : spec.substring(0, colon);
  }

  private static Optional<Family> familyOf(String name) {
    return Arrays.stream(Family.values()).filter(f -> f.name.matcher(name).matches()).findFirst();
  }
}
