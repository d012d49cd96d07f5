#!/usr/bin/env bash
# Runs a command of profile-export under spark-submit:
#
#   ./spark-submit.sh [spark-submit options] run request.json --sandbox sandbox.yml [...]
#   ./spark-submit.sh --master spark://host:7077 --conf spark.executor.memory=4g run request.json ...
#
# What stands before the command goes to spark-submit, the rest to profile-export. Settings come from
# conf/spark-defaults.conf, then from the cluster's own defaults (SPARK_CONF_DIR) where ours say nothing;
# `--conf`, and a --properties-file in place of the cluster's defaults, win over ours.
# The exit code is that of profile-export. PYSPARK_PYTHON names the Python (else .venv, else python3),
# SPARK_HOME the Spark (else the one of that Python's pyspark).
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)

if [[ -z ${PYSPARK_PYTHON:-} ]]; then
  PYSPARK_PYTHON=python3
  [[ -x $root/.venv/bin/python ]] && PYSPARK_PYTHON=$root/.venv/bin/python
fi
export PYSPARK_PYTHON
# Only the driver runs our Python; executors run none (no stage has a Python function).
driver_python=${PYSPARK_DRIVER_PYTHON:-$PYSPARK_PYTHON}
export PYTHONPATH=$root/jobs${PYTHONPATH:+:$PYTHONPATH}

options=() jars="" py_files="" master="" deploy_mode="" properties=""
declare -A conf=() # of --conf
while (($#)); do
  case $1 in
    --help | -h) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 0 ;;
    --verbose | -v | --supervise | --version | --load-spark-defaults) options+=("$1"); shift; continue ;;
    --*=*) option=${1%%=*} value=${1#*=}; shift ;;
    -*)
      if (($# < 2)); then echo "spark-submit.sh: $1 needs a value" >&2; exit 2; fi
      option=$1 value=$2; shift 2 ;;
    *) break ;;
  esac
  case $option in
    --jars) jars=$value; continue ;;
    --py-files) py_files=$value; continue ;;
    --master) master=$value ;;
    --deploy-mode) deploy_mode=$value ;;
    --properties-file) properties=$value ;;
    --conf | -c) [[ $value == ?*=* ]] && conf[${value%%=*}]=${value#*=} ;;
  esac
  options+=("$option" "$value")
done
if ((!$#)); then
  echo "spark-submit.sh: no command given, for example: run request.json --sandbox sandbox.yml" >&2
  exit 2
fi

if [[ -z ${SPARK_HOME:-} ]]; then
  SPARK_HOME=$("$driver_python" -c 'import os, pyspark; print(os.path.dirname(pyspark.__file__))') || {
    echo "spark-submit.sh: $driver_python has no pyspark. Install the project (scripts/demo does), or set" \
      "PYSPARK_PYTHON." >&2
    exit 1
  }
  export SPARK_HOME
fi
if [[ ! -x $SPARK_HOME/bin/spark-submit ]]; then
  echo "spark-submit.sh: SPARK_HOME is $SPARK_HOME, where no Spark is (bin/spark-submit). Correct it, or unset it." >&2
  exit 1
fi
# What a cluster's own spark-env.sh says of Java is known to Spark alone.
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
if [[ ! -r ${SPARK_CONF_DIR:-$SPARK_HOME/conf}/spark-env.sh ]] && ! command -v "$java" >/dev/null; then
  echo "spark-submit.sh: Spark needs Java 17 or later (java on the PATH, or JAVA_HOME), and there is no $java." \
    "profile-export by itself, on the engine sail, needs none." >&2
  exit 1
fi
delta=$("$driver_python" -m profile_export.engines._delta_jars) || exit 1

if [[ -z ${SPARK_CONF_DIR:-} && ! -d $SPARK_HOME/conf ]]; then
  export SPARK_CONF_DIR=$root/conf
fi
# What Spark reads after --conf: the user's file in place of the cluster's defaults, or both where it is told so.
files=("${SPARK_CONF_DIR:-$SPARK_HOME/conf}/spark-defaults.conf")
if [[ -n $properties ]]; then
  [[ " ${options[*]} " == *" --load-spark-defaults "* ]] || files=()
  files=("$properties" "${files[@]}")
fi

in_file() { # FILE KEY: its value there; fails where it has none
  [[ -r $1 ]] &&
    sed -nE "s/^[[:space:]]*${2//./\\.}([[:space:]]*[=:]|[[:space:]])[[:space:]]*(.*[^[:space:]])[[:space:]]*$/\2/p" \
      "$1" | tail -n 1 | grep .
}
said() { # KEY: what the user or the cluster says of a setting, nothing where they do not
  local file
  if [[ -n ${conf[$1]+said} ]]; then echo "${conf[$1]}"; return; fi
  for file in "${files[@]}"; do in_file "$file" "$1" && break; done || true
}

settings=()
ours() { # FILE: our settings; what the user's own file has stays as it is there
  local key value
  while read -r key value; do
    [[ -z $key || $key == \#* ]] && continue
    [[ -n $properties ]] && in_file "$properties" "$key" >/dev/null && continue
    settings+=(--conf "$key=$value")
  done <"$1"
}
ours "$root/conf/spark-defaults.conf"

# As spark-submit finds them.
master=${master:-$(said spark.master)} master=${master:-${MASTER:-local}}
deploy_mode=${deploy_mode:-$(said spark.submit.deployMode)} deploy_mode=${deploy_mode:-${DEPLOY_MODE:-client}}
jars=${jars:-$(said spark.jars)} py_files=${py_files:-$(said spark.submit.pyFiles)}
[[ $master == local* ]] && ours "$root/conf/spark-local.conf"
if [[ $deploy_mode == cluster ]]; then
  # The driver runs elsewhere: it gets the package as a file (its dependencies: docs/cluster.md).
  package=$(mktemp -d)/profile_export.zip
  trap 'rm -rf "$(dirname "$package")"' EXIT
  (cd "$root/jobs" && "$driver_python" -m zipfile -c "$package" profile_export)
  py_files=$package${py_files:+,$py_files}
else
  # spark-submit keeps our stdin, and joins our stderr to our stdout, so that `--json` would not be alone on
  # it. In a file, what is written by two handles must be appended, or one overwrites the other; where both
  # are one file they stay joined. A pipe and a terminal are still there when Ctrl-C has ended the JVM.
  export PROFILE_EXPORT_STDIN=/proc/$$/fd/0
  if [[ ! -f /dev/stderr ]]; then
    export PROFILE_EXPORT_STDERR=/proc/$$/fd/2
  elif [[ ! /dev/stderr -ef /dev/stdout ]]; then
    exec 2>>/dev/stderr
    export PROFILE_EXPORT_STDERR=/proc/$$/fd/2
  fi
  if [[ -p /dev/stdout || -t 1 ]]; then export PROFILE_EXPORT_STDOUT=/proc/$$/fd/1; fi
fi

submit=("$SPARK_HOME/bin/spark-submit" "${settings[@]}" --name profile-export
  --jars "$delta${jars:+,$jars}" ${py_files:+--py-files "$py_files"} "${options[@]}" "$root/jobs/export_job.py" "$@")
[[ $deploy_mode == cluster ]] || exec "${submit[@]}"
"${submit[@]}"
