package io.isthmus.engine;

import io.isthmus.engine.EngineException.Status;
import io.isthmus.engine.c.IsthmusApi;
import org.bytedeco.javacpp.Loader;

/** Loads the engine's shared libraries, or says in one sentence why they cannot be. */
final class NativeLibrary {
  private static final Throwable FAILURE = load();

  private NativeLibrary() {}

  /** Throws {@link EngineException} unless the libraries are loaded. */
  static void require() {
    if (FAILURE != null) {
      throw new EngineException(
          Status.UNSUPPORTED,
          "the engine's native library cannot be loaded from "
              + System.getProperty("java.library.path")
              + " ("
              + FAILURE.getMessage()
              + "); start through ./isthmus, which builds it",
          FAILURE);
    }
  }

  private static Throwable load() {
    try {
      Loader.load(IsthmusApi.class);
      return null;
    } catch (LinkageError e) {
      return e;
    }
  }
}
