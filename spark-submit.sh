#!/usr/bin/env bash
# Runs a command of profile-export under spark-submit:
#
#   ./spark-submit.sh [spark-submit options] run request.json --sandbox sandbox.yml [...]
#   ./spark-submit.sh --master spark://host:7077 --conf spark.executor.memory=4g run request.json ...
#
# What stands before the command goes to spark-submit, the rest to profile-export. Settings come from
# conf/spark-defaults.conf, then from the cluster's own defaults (SPARK_CONF_DIR) where ours say nothing.
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

options=() jars="" master="" deploy_mode=client
while (($#)); do
  case $1 in
    --jars=*) jars=${1#*=}; shift ;;
    --jars) jars=$2; shift 2 ;;
    --master=*) master=${1#*=}; options+=("$1"); shift ;;
    --deploy-mode=*) deploy_mode=${1#*=}; options+=("$1"); shift ;;
    --help | -h) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 0 ;;
    --verbose | -v | --supervise | --version | --load-spark-defaults) options+=("$1"); shift ;;
    --*=*) options+=("$1"); shift ;;
    -*)
      if (($# < 2)); then echo "spark-submit.sh: $1 needs a value" >&2; exit 2; fi
      [[ $1 == --master ]] && master=$2
      [[ $1 == --deploy-mode ]] && deploy_mode=$2
      options+=("$1" "$2"); shift 2 ;;
    *) break ;;
  esac
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
delta=$("$driver_python" -m profile_export.engines._delta_jars) || exit 1

settings=(--properties-file "$root/conf/spark-defaults.conf")
if [[ -n ${SPARK_CONF_DIR:-} || -d $SPARK_HOME/conf ]]; then
  settings+=(--load-spark-defaults)
else
  export SPARK_CONF_DIR=$root/conf
fi
if [[ -z $master || $master == local* ]]; then
  while read -r key value; do
    [[ -z $key || $key == \#* ]] || settings+=(--conf "$key=$value")
  done <"$root/conf/spark-local.conf"
fi
if [[ $deploy_mode == cluster ]]; then
  # The driver runs elsewhere: it gets the package as a file (its dependencies: docs/cluster.md).
  package=$(mktemp -d)/profile_export.zip
  trap 'rm -rf "$(dirname "$package")"' EXIT
  (cd "$root/jobs" && "$driver_python" -m zipfile -c "$package" profile_export)
  settings+=(--py-files "$package")
else
  # spark-submit joins our stderr to our stdout, so that `--json` would not be alone on it.
  export PROFILE_EXPORT_STDERR=/proc/$$/fd/2
fi

submit=("$SPARK_HOME/bin/spark-submit" "${settings[@]}" --name profile-export
  --jars "$delta${jars:+,$jars}" "${options[@]}" "$root/jobs/export_job.py" "$@")
[[ $deploy_mode == cluster ]] || exec "${submit[@]}"
"${submit[@]}"
