# Four images of one file; docs/deploy.md says which to take.
#   docker build --target cpu-indexed .   CPU, index baked in (the default target)
#   docker build --target cpu .           CPU, index mounted at /srv/icd-cascade/artifacts
#   docker build --target gpu-indexed .   NVIDIA GPU, index baked in
#   docker build --target gpu .           NVIDIA GPU, index mounted

FROM python:3.11.14-slim-bookworm AS python
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PYTHONUNBUFFERED=1
ENV PATH=/opt/icd-cascade/bin:$PATH

FROM python AS cpu-environment
RUN python -m venv /opt/icd-cascade \
 && python -m pip install pip==26.3 setuptools==84.2.1
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY model model
COPY index_builder index_builder
COPY app app
RUN python -m pip install --no-build-isolation --constraint constraints.txt .

# The wheels of the base install and of the extra write the same folders, faiss/ and onnxruntime/: only one pair may stay.
FROM cpu-environment AS gpu-environment
RUN python -m pip install --no-build-isolation --constraint constraints.txt '.[gpu]' onnxruntime-gpu==1.31.1 faiss-gpu==1.15.1 \
 && python -m pip uninstall --yes faiss-cpu faiss-gpu onnxruntime onnxruntime-gpu \
 && python -m pip install --no-deps onnxruntime-gpu==1.31.1 faiss-gpu==1.15.1

FROM cpu-environment AS index
RUN icd-cascade build --artifacts /srv/icd-cascade/artifacts \
 && icd-cascade verify --artifacts /srv/icd-cascade/artifacts

# What all images have in common. The root file system may be read-only: written are /tmp and /var/lib/icd-cascade only.
FROM python AS runtime
RUN groupadd --gid 10001 icd-cascade \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin icd-cascade \
 && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/icd-cascade /run/scrape-key \
 && install --directory /srv/icd-cascade/artifacts /run/secrets/icd-cascade
ENV PYTHONDONTWRITEBYTECODE=1
WORKDIR /var/lib/icd-cascade
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/readyz', timeout=2)"]
ENTRYPOINT ["icd-cascade"]
CMD ["serve", "--host", "0.0.0.0", "--keys", "/run/secrets/icd-cascade/keys.json", "--artifacts", "/srv/icd-cascade/artifacts"]

FROM runtime AS gpu
ENV ICD_CASCADE_BACKEND=torch ICD_CASCADE_SEARCH=torch NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=gpu-environment /opt/icd-cascade /opt/icd-cascade

FROM gpu AS gpu-indexed
COPY --from=index /srv/icd-cascade/artifacts /srv/icd-cascade/artifacts

FROM runtime AS cpu
COPY --from=cpu-environment /opt/icd-cascade /opt/icd-cascade

FROM cpu AS cpu-indexed
COPY --from=index /srv/icd-cascade/artifacts /srv/icd-cascade/artifacts
