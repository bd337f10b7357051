package io.isthmus.store;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds the newest checkpoint that can be read. */
final class Newest {
  private static final Logger LOG = LoggerFactory.getLogger(Newest.class);
  private static final String DAMAGED = ".damaged";

  private Newest() {}

  /**
   * Reads {@code target}, or the checkpoint before it if that one is damaged or, after a kill
   * between two renames, missing. A damaged newest one is put aside, lest it take the good one's
   * place at the next save.
   *
   * @return nothing if there has never been one
   * @throws IsthmusException the newest one's complaint if neither can be read
   */
  static <T> Optional<T> of(Path target, Function<Path, T> read) {
    Path previous = AtomicFile.previous(target);
    if (!Files.exists(target)) {
      return Files.exists(previous) ? Optional.of(read.apply(previous)) : Optional.empty();
    }
    try {
      return Optional.of(read.apply(target));
    } catch (IsthmusException damage) {
      if (damage.code() != ExitCode.DATA || !Files.exists(previous)) {
        throw damage;
      }
      T older;
      try {
        older = read.apply(previous);
      } catch (IsthmusException both) {
        damage.addSuppressed(both);
        throw damage;
      }
      Path aside = target.resolveSibling(target.getFileName() + DAMAGED);
      try {
        AtomicFile.move(target, aside);
      } catch (IOException e) {
        throw AtomicFile.failure("write", aside, e);
      }
      LOG.warn(
          "The newest checkpoint {} cannot be read; going on from the one before it, and keeping"
              + " the newest as {} for you to look at.",
          target,
          aside.getFileName());
      return Optional.of(older);
    }
  }
}
