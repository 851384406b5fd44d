"""Public index: devices, seeds, averaged weights, folded layers."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "fuse_conv_and_bn": "engine.nn.fuse",
        "select_device": "engine.runtime.device",
        "EarlyStopping": "engine.training.early_stopping",
        "ModelEMA": "engine.training.ema",
    },
)
