# Sourced by the start scripts, with $here set: what bare servers and containers lack, for this process alone.

# A library in lib/<its name>/ stands in where the machine has none of that name.
known=$(/sbin/ldconfig -p 2>/dev/null)
for folder in "$here"/lib/*/; do
  name=${folder%/}
  case $known in
    *"${name##*/} (libc6,x86-64)"*) ;;
    *) LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folder ;;
  esac
done

# Containers mount the driver here, where neither the linker nor the Vulkan loader looks by itself.
if [ -d /usr/local/nvidia/lib64 ]; then
  LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/usr/local/nvidia/lib64
fi
[ -z "${LD_LIBRARY_PATH:-}" ] || export LD_LIBRARY_PATH

# The Vulkan loader finds a driver by its manifest, in vulkan/icd.d/ of these folders; the last one is our own, for
# a driver that came without.
export XDG_DATA_DIRS="${XDG_DATA_DIRS:-/usr/local/share:/usr/share}:/usr/local/nvidia/share"
has_manifest() { [ -e "$1" ]; }
has_manifest /etc/vulkan/icd.d/nvidia*.json || has_manifest /usr/share/vulkan/icd.d/nvidia*.json ||
  has_manifest /usr/local/share/vulkan/icd.d/nvidia*.json ||
  has_manifest /usr/local/nvidia/share/vulkan/icd.d/*.json || XDG_DATA_DIRS=$XDG_DATA_DIRS:$here/share

if [ -z "${ESPALIER_DATA:-}" ] && [ -d "$here/data" ]; then
  export ESPALIER_DATA="$here/data"
fi
