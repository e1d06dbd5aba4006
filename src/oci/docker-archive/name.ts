// Names within a docker-archive: Docker's full form, where a name without host belongs to Docker Hub.
import { formatImageName, parseImageName, withDefaults } from "../reference.ts";

/** `debian` → `docker.io/library/debian:latest`. Throws OciError BAD_REFERENCE. */
export function dockerName(text: string): string {
  const image = parseImageName(text);
  const full = image.registry === undefined ? parseImageName(`docker.io/${text}`) : image;
  return formatImageName(withDefaults(full));
}
