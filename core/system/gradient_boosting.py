"""LightGBM, an optional dependency."""

from types import ModuleType

from core.errors import ConfigError


def require_lightgbm(who: str) -> ModuleType:
    """Import LightGBM.

    Args:
        who: what needs it, for the error, as it is written in settings or on the command line.

    Raises:
        ConfigError: it is not installed, or lacks a library.
    """
    try:
        import lightgbm
    except ImportError as error:
        raise ConfigError(
            f"{who} needs LightGBM, which is not installed; `pip install 'mabe[boost]'` installs it ({error})"
        ) from error
    except OSError as error:  # its compiled part is loaded on import
        raise ConfigError(
            f"{who} needs LightGBM, which cannot be loaded ({error}); on Debian, `apt-get install libgomp1`"
            " brings what it needs"
        ) from error
    module: ModuleType = lightgbm
    return module
