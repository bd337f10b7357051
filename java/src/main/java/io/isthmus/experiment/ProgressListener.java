package io.isthmus.experiment;

/** Hears how a run goes; called from the thread that works, so it must be quick and never throw. */
public interface ProgressListener {
  /** Hears nothing. */
  ProgressListener SILENT =
      new ProgressListener() {
        @Override
        public void progress(Progress progress) {}

        @Override
        public void note(String sentence) {}
      };

  /** Where the run is now; may come many times a second. */
  void progress(Progress progress);

  /** Something worth keeping has happened, such as a finished minimum. */
  void note(String sentence);
}
