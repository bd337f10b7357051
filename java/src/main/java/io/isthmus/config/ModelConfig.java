package io.isthmus.config;

import static io.isthmus.config.InvalidSetting.present;
import static io.isthmus.config.InvalidSetting.require;

/**
 * The network or surface whose landscape is explored.
 *
 * @param spec architecture and options, such as {@code resnet20:shortcut=B}, {@code densenet40-12},
 *     {@code mlp-64-32:activation=tanh}, {@code cnn-16-32}, {@code surface-mueller-brown}
 */
public record ModelConfig(String spec) {
  /** Kinds of models; the defaults of training and path batches go by them. */
  public enum Family {
    RESNET,
    DENSENET,
    MLP,
    CNN,
    SURFACE
  }

  /** Checks that the spec names a known family; the engine checks the rest. */
  public ModelConfig {
    present(spec, "model.spec");
    require(
        familyOf(spec) != null,
        "model.spec",
        "is '"
            + spec
            + "', which is none of resnet<depth>, densenet<depth>-<growth>[-bc], mlp[-<width>...],"
            + " cnn-<width>..., surface-<name>");
  }

  /** The kind of model. */
  public Family family() {
    return familyOf(spec);
  }

  /** The spec up to its options. */
  public String name() {
    int colon = spec.indexOf(':');
    return colon < 0 ? spec : spec.substring(0, colon);
  }

  private static Family familyOf(String spec) {
    for (Family family : Family.values()) {
      if (spec.startsWith(family.name().toLowerCase(java.util.Locale.ROOT))) {
        return family;
      }
    }
    return null;
  }
}
