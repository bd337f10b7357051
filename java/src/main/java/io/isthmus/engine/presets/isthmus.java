package io.isthmus.engine.presets;

import org.bytedeco.javacpp.annotation.NoException;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/**
 * How JavaCPP reads {@code native/include/isthmus/isthmus.h}: the header becomes the package {@code
 * io.isthmus.engine.c} at build time. Nothing outside {@code io.isthmus.engine} uses that package.
 */
@Properties(
    value = @Platform(include = "isthmus/isthmus.h", link = "isthmus_cpu", library = "jniisthmus"),
    target = "io.isthmus.engine.c",
    global = "io.isthmus.engine.c.IsthmusApi")
@NoException
public class isthmus implements InfoMapper {
  @Override
  public void map(InfoMap infoMap) {
    // The export attribute is no part of a type; without this line return types are misread.
    infoMap.put(new Info("IST_API").cppTypes().annotations());
  }
}
