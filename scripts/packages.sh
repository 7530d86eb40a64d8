# What Tidemark needs from Debian 12 or 13, and how it gets there. Sourced by scripts/demo and scripts/test; knows nothing
# of building.

# What the binary is built from.
build_packages() {
  echo g++ cmake ninja-build pkg-config ccache \
    librdkafka-dev librocksdb-dev libyaml-cpp-dev libspdlog-dev libfmt-dev prometheus-cpp-dev libsimdjson-dev \
    libre2-dev libxxhash-dev liblz4-dev libzstd-dev zlib1g-dev libsnappy-dev libmimalloc-dev libcli11-dev nlohmann-json3-dev libhowardhinnant-date-dev tzdata
}

# What the tests need besides. A Java of 17 or newer, a Maven or a Boost that is there already will do: Debian's own Boost
# packages exclude each other. Helm and Kubernetes' schemas come through pip: Debian has neither.
test_packages() {
  echo catch2 python3 python3-yaml python3-jsonschema python3-pip dpkg-dev systemd util-linux ca-certificates openssl
  # Rules, dashboards and inhibitions are tried on the servers that read them in life.
  echo prometheus prometheus-alertmanager
  [ -e /usr/include/boost/multiprecision/cpp_int.hpp ] || echo libboost-dev
  command -v mvn >/dev/null || echo maven
  has_java_17 || echo default-jre-headless
}

# What only `scripts/test --long` and the suites asked for by name need: a compiler for Java, and a reader of gcov's counts.
long_test_packages() {
  echo gcovr
  command -v javac >/dev/null || echo default-jdk-headless
}

# Debian starts these with their packages; the tests start their own.
servers_to_come() {
  local name
  for name in prometheus prometheus-alertmanager prometheus-node-exporter; do
    is_installed "$name" || echo "$name"
  done
}

# keep_still NAME...: stops those that came with an installation just now.
keep_still() {
  local name
  [ -d /run/systemd/system ] || return 0
  for name in "$@"; do
    ! is_installed "$name" || as_root systemctl --quiet disable --now "$name" >/dev/null 2>&1 || say "$name could not be stopped"
  done
}

has_java_17() {
  local major
  major=$(java -version 2>&1 | sed -nE 's/^[^"]*version "([0-9]+).*/\1/p' | head -n 1)
  [ "${major:-0}" -ge 17 ]
}

say() { printf '==> %s\n' "$*" >&2; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "packages must be installed, but this is not root and there is no sudo. As root, run: apt-get install ${missing[*]}"
  fi
}

# apt-get without questions; its words go to the log, and to the terminal only when it fails.
quiet_apt() {
  if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >>"$apt_log" 2>&1; then
    tail -n 20 "$apt_log" >&2
    die "apt-get $1 failed; the whole log is $apt_log"
  fi
}

# install_packages NAME...: does nothing, and asks for no rights, where all are there.
install_packages() {
  command -v apt-get >/dev/null || die "this is no Debian: install these by hand, then build with CMake: $*"
  local missing=() name apt_log
  for name in "$@"; do
    is_installed "$name" || missing+=("$name")
  done
  [ ${#missing[@]} = 0 ] && return
  apt_log=$(mktemp "${TMPDIR:-/tmp}/tidemark-apt.XXXXXX")
  say "installing ${#missing[@]} packages: ${missing[*]}"
  quiet_apt update
  quiet_apt install --no-install-recommends "${missing[@]}"
  rm -f "$apt_log"
}
